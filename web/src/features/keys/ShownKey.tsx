import { Check, Copy } from "lucide-react";
import { useState } from "react";
import { day } from "@/lib/format";
import { Button } from "@/ui/kit";
import type { Made } from "./keys";
import classes from "./keys.module.css";

/** The text of a new key, the one time it can be seen. */
export function ShownKey({ made, onDone }: { made: Made; onDone: () => void }) {
  const [copied, setCopied] = useState<"no" | "yes" | "failed">("no");
  const copy = () => {
    void Promise.resolve()
      .then(() => navigator.clipboard.writeText(made.text))
      .then(
        () => setCopied("yes"),
        () => setCopied("failed"),
      );
  };
  return (
    <div className={classes.form}>
      <p>
        This is the key <strong>{made.key.name}</strong>. Copy it now: it is kept nowhere and cannot be shown again. It ends on{" "}
        {day(made.key.expires)}.
      </p>
      <code className={classes.text} aria-label="The API key">
        {made.text}
      </code>
      <p className={classes.small}>
        Send it as <code className={classes.code}>Authorization: Bearer dyo_…</code>. Whoever has it can do what it may do, so keep it
        where passwords are kept.
      </p>
      <div className={classes.buttons}>
        <Button
          variant="default"
          data-autofocus
          leftSection={copied === "yes" ? <Check size={15} aria-hidden /> : <Copy size={15} aria-hidden />}
          onClick={copy}
        >
          {copied === "yes" ? "Copied" : "Copy"}
        </Button>
        <Button onClick={onDone}>I have it</Button>
      </div>
      <p role="status" className={classes.small}>
        {copied === "yes" && "The key is in the clipboard."}
        {copied === "failed" && "This browser does not let the page copy. Select the key and copy it by hand."}
      </p>
    </div>
  );
}
