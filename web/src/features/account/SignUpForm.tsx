import { zodResolver } from "@hookform/resolvers/zod";
import { useForm } from "react-hook-form";
import * as z from "zod/mini";
import { useAction } from "@/lib/api/useAction";
import { Button, PasswordInput, TextInput } from "@/ui/kit";
import { ProblemNote } from "@/ui/ProblemNote";
import { signUp } from "@/lib/session";

const formShape = z.object({
  company: z.string().check(z.trim(), z.minLength(2, "Give the company's name, 2 letters or more.")),
  email: z.string().check(z.trim(), z.email("Give an e-mail address, like ana@example.com.")),
  password: z
    .string()
    .check(z.minLength(15, "Use 15 characters or more; a few words are good."), z.maxLength(128, "Use 128 characters or fewer.")),
});

interface SignUpFormProps {
  /** Runs when the mail is on its way, with the address and the product's own words. */
  onSent: (email: string, message: string) => void;
}

/** Asks for what an account needs, and no more. */
export function SignUpForm({ onSent }: SignUpFormProps) {
  const form = useForm({ resolver: zodResolver(formShape), defaultValues: { company: "", email: "", password: "" } });
  const send = useAction({
    mutationFn: signUp,
    onSuccess: (answer, who) => onSent(who.email, answer.message),
  });
  const wrong = form.formState.errors;
  return (
    <form noValidate onSubmit={form.handleSubmit((who) => send.mutate(who))}>
      <TextInput
        label="Company"
        autoComplete="organization"
        error={wrong.company?.message}
        {...form.register("company")}
      />
      <TextInput
        label="E-mail"
        type="email"
        autoComplete="email"
        spellCheck={false}
        error={wrong.email?.message}
        {...form.register("email")}
      />
      <PasswordInput
        label="Password"
        description="15 characters or more; a few words are good"
        autoComplete="new-password"
        error={wrong.password?.message}
        visibilityToggleButtonProps={{ "aria-label": "Show or hide the password" }}
        {...form.register("password")}
      />
      {send.isError && <ProblemNote error={send.error} />}
      <Button type="submit" loading={send.isPending} fullWidth>
        Create account
      </Button>
    </form>
  );
}
