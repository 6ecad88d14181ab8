import { zodResolver } from "@hookform/resolvers/zod";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { useForm } from "react-hook-form";
import * as z from "zod/mini";
import { AuthFrame } from "@/features/account/AuthFrame";
import { useAction } from "@/lib/api/useAction";
import { sessionQuery, signOut, type Session } from "@/lib/session";
import { SignInForm } from "@/features/account/SignInForm";
import { accept, look, type Look } from "@/features/team/team";
import { asProblem } from "@/lib/api/problem";
import { day } from "@/lib/format";
import { Button, Loader, PasswordInput } from "@/ui/kit";
import { LinkButton } from "@/ui/LinkButton";
import { ProblemNote } from "@/ui/ProblemNote";
import classes from "./auth.module.css";

// The link carries its token behind the "#", which browsers do not send to
// servers: it appears in no log and no referrer.
function tokenOf(hash: string): string {
  return new URLSearchParams(hash.replace(/^#/, "")).get("token") ?? "";
}

/** Where the link of an invitation leads: what it is, and the one step that is left. */
export function JoinPage() {
  const [token] = useState(() => tokenOf(window.location.hash));
  const invitation = useQuery({
    queryKey: ["invitation", token],
    queryFn: () => look(token),
    enabled: token !== "",
    retry: false,
    refetchOnWindowFocus: false,
  });
  if (token === "") {
    return (
      <AuthFrame title="This link is not complete" lead="Open the link from the mail again, or copy all of it.">
        <div className={classes.stack}>
          <LinkButton to="/signin">Sign in</LinkButton>
        </div>
      </AuthFrame>
    );
  }
  if (invitation.isPending) {
    return (
      <AuthFrame title="Reading the invitation">
        <div className={classes.stack} role="status" aria-label="Reading the invitation">
          <Loader size="sm" />
        </div>
      </AuthFrame>
    );
  }
  if (invitation.isError) {
    const problem = asProblem(invitation.error);
    return (
      <AuthFrame title={problem.code === "invitations.used" ? "This invitation was used already" : "The invitation cannot be used"}>
        <div className={classes.stack}>
          <ProblemNote
            error={problem}
            onRetry={problem.retryable ? () => void invitation.refetch() : undefined}
            retrying={invitation.isFetching}
          />
          <LinkButton to="/" variant="default">
            Go to the product
          </LinkButton>
        </div>
      </AuthFrame>
    );
  }
  return <Steps token={token} invitation={invitation.data} again={() => void invitation.refetch()} />;
}

function Steps({ token, invitation, again }: { token: string; invitation: Look; again: () => void }) {
  const queryClient = useQueryClient();
  const navigate = useNavigate();
  const join = useAction({
    mutationFn: (password: string) => accept(token, password),
    onSuccess: async (session: Session) => {
      queryClient.clear(); // what was read before belongs to another company, or to nobody
      queryClient.setQueryData(sessionQuery.queryKey, session);
      await navigate({ to: "/", replace: true });
    },
    // An account may have come up meanwhile: ask what is left to do now.
    onError: (error) => {
      if (asProblem(error).code === "invitations.sign_in") again();
    },
  });
  const leave = useAction({
    mutationFn: signOut,
    onSuccess: () => {
      queryClient.setQueryData(sessionQuery.queryKey, null);
      again();
    },
  });
  const { company, inviter, email, role, next, expires } = invitation;
  const article = /^[aeiou]/.test(role) ? "an" : "a";
  return (
    <AuthFrame
      title={`Join ${company}`}
      lead={`${inviter} invites ${email} as ${article} ${role}. The invitation is good until ${day(expires)}.`}
    >
      <div className={classes.stack}>
        {next === "accept" && (
          <Button fullWidth loading={join.isPending} onClick={() => join.mutate("")}>
            Join {company}
          </Button>
        )}
        {next === "sign_up" && <NewPassword pending={join.isPending} onGiven={(password) => join.mutate(password)} />}
        {next === "sign_in" && (
          <>
            <p className={classes.hint}>There is an account with {email}. Sign in with it to join.</p>
            <SignInForm
              onSignedIn={(session) => {
                queryClient.setQueryData(sessionQuery.queryKey, session);
                again();
              }}
            />
          </>
        )}
        {next === "switch" && (
          <>
            <p className={classes.hint}>
              You are signed in with another address. The invitation is for {email}: sign out, and go on as that person.
            </p>
            <Button fullWidth loading={leave.isPending} onClick={() => leave.mutate()}>
              Sign out and go on
            </Button>
            <LinkButton to="/" variant="default" fullWidth>
              Stay signed in
            </LinkButton>
            {leave.isError && <ProblemNote error={leave.error} title="You are still signed in." />}
          </>
        )}
        {join.isError && <ProblemNote error={join.error} title="You have not joined yet." />}
      </div>
    </AuthFrame>
  );
}

const formShape = z.object({
  password: z
    .string()
    .check(z.minLength(15, "Use 15 characters or more; a few words are good."), z.maxLength(128, "Use 128 characters or fewer.")),
});

function NewPassword({ pending, onGiven }: { pending: boolean; onGiven: (password: string) => void }) {
  const form = useForm({ resolver: zodResolver(formShape), defaultValues: { password: "" } });
  return (
    <form noValidate onSubmit={form.handleSubmit(({ password }) => onGiven(password))}>
      <PasswordInput
        label="Choose a password"
        description="15 characters or more"
        autoComplete="new-password"
        error={form.formState.errors.password?.message}
        visibilityToggleButtonProps={{ "aria-label": "Show or hide the password" }}
        {...form.register("password")}
      />
      <Button type="submit" loading={pending} fullWidth mt="sm">
        Create the account and join
      </Button>
    </form>
  );
}
