import { useQuery } from "@tanstack/react-query";
import { useLocation, useNavigate } from "@tanstack/react-router";
import { MailCheck } from "lucide-react";
import { AuthFrame } from "@/features/account/AuthFrame";
import { SignUpForm } from "@/features/account/SignUpForm";
import { outboxQuery } from "@/features/outbox/outbox";
import { Button } from "@/ui/kit";
import { LinkButton, TextLink } from "@/ui/LinkButton";
import classes from "./auth.module.css";

declare module "@tanstack/react-router" {
  interface HistoryState {
    /** Whom a mail is on its way to. Kept with the page's place in the history: a reload keeps it, a new visit does not. */
    mailed?: { email: string; message: string };
  }
}

export function SignUpPage() {
  const navigate = useNavigate();
  const sent = useLocation({ select: (location) => location.state.mailed });
  if (sent !== undefined) return <CheckYourMail {...sent} onBack={() => void navigate({ to: "/signup", state: {} })} />;
  return (
    <AuthFrame title="Create your account" lead="A few minutes to the first decision, with your data or ours.">
      <SignUpForm onSent={(email, message) => void navigate({ to: "/signup", state: { mailed: { email, message } } })} />
      <p className={classes.foot}>
        You have an account?{" "}
        <TextLink to="/signin" inherit underline="always">
          Sign in
        </TextLink>
      </p>
    </AuthFrame>
  );
}

function CheckYourMail({ email, message, onBack }: { email: string; message: string; onBack: () => void }) {
  const outbox = useQuery(outboxQuery);
  return (
    <AuthFrame title="Check your mail">
      <div className={classes.sent} role="status">
        <MailCheck size={20} aria-hidden />
        <p>{message === "" ? `If ${email} can be used, a link is on its way to it.` : message}</p>
      </div>
      <div className={classes.stack}>
        {outbox.data != null && (
          <>
            <p className={classes.hint}>No mail server is set up here, so mail is kept in the built-in outbox.</p>
            <LinkButton to="/outbox" fullWidth>
              Open the outbox
            </LinkButton>
          </>
        )}
        <Button variant="default" onClick={onBack} fullWidth>
          Use another address
        </Button>
      </div>
    </AuthFrame>
  );
}
