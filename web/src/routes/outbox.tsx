import { useQuery } from "@tanstack/react-query";
import { Inbox } from "lucide-react";
import { useState } from "react";
import { MailView } from "@/features/outbox/MailView";
import { outboxQuery } from "@/features/outbox/outbox";
import { moment } from "@/lib/format";
import { Empty } from "@/ui/Empty";
import { Skeleton } from "@/ui/kit";
import { Page } from "@/ui/Page";
import { Panel } from "@/ui/Panel";
import { ProblemNote } from "@/ui/ProblemNote";
import classes from "./outbox.module.css";

export function OutboxPage() {
  const outbox = useQuery(outboxQuery);
  const [chosen, setChosen] = useState<string | null>(null);
  const mails = [...(outbox.data ?? [])].sort((a, b) => b.at.localeCompare(a.at));
  const open = mails.find((mail) => mail.id === chosen) ?? mails[0];

  return (
    <Page title="Outbox" lead="Mail this product would send. It is kept here because no mail server is set up.">
      {outbox.isPending && <Skeleton height={280} radius="md" />}
      {outbox.isError && outbox.data === undefined && (
        <ProblemNote error={outbox.error} title="The outbox could not be read." onRetry={() => void outbox.refetch()} />
      )}
      {outbox.data === null && (
        <Panel>
          <Empty icon={<Inbox size={20} />} title="There is no outbox here">
            A mail server is set up, so mail goes to people's own mailboxes.
          </Empty>
        </Panel>
      )}
      {outbox.data != null && mails.length === 0 && (
        <Panel>
          <Empty icon={<Inbox size={20} />} title="No mail yet">
            Mail appears here the moment it is sent, newest first.
          </Empty>
        </Panel>
      )}
      {open !== undefined && (
        <div className={classes.split}>
          <Panel title="Mails" flush>
            <ul className={classes.list}>
              {mails.map((mail) => (
                <li key={mail.id}>
                  <button
                    type="button"
                    className={classes.mail}
                    aria-current={mail.id === open.id}
                    onClick={() => setChosen(mail.id)}
                  >
                    <span className={classes.subject}>{mail.subject}</span>
                    <span className={classes.small}>
                      {mail.to} · {moment(mail.at)}
                    </span>
                  </button>
                </li>
              ))}
            </ul>
          </Panel>
          <MailView mail={open} />
        </div>
      )}
    </Page>
  );
}
