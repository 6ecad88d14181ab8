import { zodResolver } from "@hookform/resolvers/zod";
import { useForm } from "react-hook-form";
import * as z from "zod/mini";
import { useAction } from "@/lib/api/useAction";
import { Button, PasswordInput, TextInput } from "@/ui/kit";
import { ProblemNote } from "@/ui/ProblemNote";
import { signIn, type Session } from "@/lib/session";

const formShape = z.object({
  email: z.string().check(z.trim(), z.email("Give the e-mail address you signed up with.")),
  password: z.string().check(z.minLength(1, "Give your password.")),
});

export function SignInForm({ onSignedIn }: { onSignedIn: (session: Session) => void }) {
  const form = useForm({ resolver: zodResolver(formShape), defaultValues: { email: "", password: "" } });
  const send = useAction({ mutationFn: signIn, onSuccess: onSignedIn });
  const wrong = form.formState.errors;
  return (
    <form noValidate onSubmit={form.handleSubmit((credentials) => send.mutate(credentials))}>
      <TextInput
        label="E-mail"
        type="email"
        autoComplete="username"
        spellCheck={false}
        error={wrong.email?.message}
        {...form.register("email")}
      />
      <PasswordInput
        label="Password"
        autoComplete="current-password"
        error={wrong.password?.message}
        visibilityToggleButtonProps={{ "aria-label": "Show or hide the password" }}
        {...form.register("password")}
      />
      {send.isError && <ProblemNote error={send.error} />}
      <Button type="submit" loading={send.isPending} fullWidth>
        Sign in
      </Button>
    </form>
  );
}
