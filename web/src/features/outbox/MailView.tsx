import { linkify } from "@/lib/links";
import { moment } from "@/lib/format";
import { Panel } from "@/ui/Panel";
import type { Mail } from "./outbox";
import classes from "./MailView.module.css";

/** One mail as its reader would see it. The text is shown, never the HTML: it could hold anything. */
export function MailView({ mail }: { mail: Mail }) {
  return (
    <Panel title={mail.subject} note={`To ${mail.to}, ${moment(mail.at)}`}>
      <div className={classes.text}>
        {linkify(mail.text).map((piece, index) =>
          piece.href === null ? (
            <span key={index}>{piece.text}</span>
          ) : (
            <a key={index} href={piece.href}>
              {piece.text}
            </a>
          ),
        )}
      </div>
    </Panel>
  );
}
