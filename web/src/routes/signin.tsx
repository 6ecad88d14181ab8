import { useQueryClient } from "@tanstack/react-query";
import { getRouteApi, useRouter } from "@tanstack/react-router";
import { AuthFrame } from "@/features/account/AuthFrame";
import { sessionQuery } from "@/lib/session";
import { SignInForm } from "@/features/account/SignInForm";
import { safeReturn } from "@/lib/links";
import { TextLink } from "@/ui/LinkButton";
import classes from "./auth.module.css";

const route = getRouteApi("/signin");

export function SignInPage() {
  const { back } = route.useSearch();
  const router = useRouter();
  const queryClient = useQueryClient();
  return (
    <AuthFrame title="Sign in" lead={back === undefined ? undefined : "Sign in to go on where you were."}>
      <SignInForm
        onSignedIn={(session) => {
          queryClient.setQueryData(sessionQuery.queryKey, session);
          router.history.push(safeReturn(back));
        }}
      />
      <p className={classes.foot}>
        New here?{" "}
        <TextLink to="/signup" inherit underline="always">
          Create an account
        </TextLink>
      </p>
    </AuthFrame>
  );
}
