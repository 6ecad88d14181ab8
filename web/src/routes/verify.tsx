import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { AuthFrame } from "@/features/account/AuthFrame";
import { sessionQuery, verify } from "@/lib/session";
import { asProblem } from "@/lib/api/problem";
import { Loader } from "@/ui/kit";
import { LinkButton } from "@/ui/LinkButton";
import { ProblemNote } from "@/ui/ProblemNote";
import classes from "./auth.module.css";

// The link carries its token behind the "#", which browsers do not send to
// servers: it appears in no log and no referrer.
function tokenOf(hash: string): string {
  return new URLSearchParams(hash.replace(/^#/, "")).get("token") ?? "";
}

export function VerifyPage() {
  const [token] = useState(() => tokenOf(window.location.hash));
  const navigate = useNavigate();
  const queryClient = useQueryClient();

  // A query and not a mutation: a token works once, and a query is asked once
  // however often the page is drawn.
  const verified = useQuery({
    queryKey: ["verify", token],
    queryFn: () => verify(token),
    enabled: token !== "",
    retry: false,
    staleTime: Infinity,
    refetchOnWindowFocus: false,
    refetchOnReconnect: false,
  });

  const session = useQuery({ ...sessionQuery, enabled: verified.isError });

  useEffect(() => {
    if (verified.data === undefined) return;
    queryClient.setQueryData(sessionQuery.queryKey, verified.data);
    void navigate({ to: "/", replace: true });
  }, [verified.data, navigate, queryClient]);

  if (token === "") {
    return (
      <AuthFrame title="This link is not complete" lead="Open the link from the mail again, or copy all of it.">
        <div className={classes.stack}>
          <LinkButton to="/signup">Sign up again</LinkButton>
        </div>
      </AuthFrame>
    );
  }
  if (verified.isError) {
    const problem = asProblem(verified.error);
    if (problem.code === "signup.used") return <UsedLink signedIn={session.data != null} />;
    return (
      <AuthFrame title="The address could not be confirmed">
        <div className={classes.stack}>
          <ProblemNote
            error={problem}
            onRetry={problem.retryable ? () => void verified.refetch() : undefined}
            retrying={verified.isFetching}
          />
          {!problem.retryable && (
            <LinkButton to="/signup" variant="default">
              Sign up again
            </LinkButton>
          )}
          <LinkButton to="/signin" variant="default">
            Sign in
          </LinkButton>
        </div>
      </AuthFrame>
    );
  }
  return (
    <AuthFrame title="Confirming your address">
      <div className={classes.stack} role="status" aria-label="Confirming your address">
        <Loader size="sm" />
      </div>
    </AuthFrame>
  );
}

// Nothing went wrong: the address is confirmed, and this was the second click.
function UsedLink({ signedIn }: { signedIn: boolean }) {
  return (
    <AuthFrame title="This link was used already" lead="Your address is confirmed; there is nothing more to do with this link.">
      <div className={classes.stack}>
        {signedIn ? <LinkButton to="/">Go to the product</LinkButton> : <LinkButton to="/signin">Sign in</LinkButton>}
      </div>
    </AuthFrame>
  );
}
