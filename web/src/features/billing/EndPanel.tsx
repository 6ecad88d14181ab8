import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useAction } from "@/lib/api/useAction";
import { day } from "@/lib/format";
import { Button, Modal, Radio, Stack, Textarea } from "@/ui/kit";
import { Panel } from "@/ui/Panel";
import { ProblemNote } from "@/ui/ProblemNote";
import classes from "./Billing.module.css";
import { cancelSubscription, keepBilling, type Billing, type When } from "./plans";

/** The way out, which says what happens to the data. */
export function EndPanel({ billing, isOwner }: { billing: Billing; isOwner: boolean }) {
  const queryClient = useQueryClient();
  const [asked, setAsked] = useState(false);
  const [when, setWhen] = useState<When>("period_end");
  const [reason, setReason] = useState("");
  const end = useAction({
    mutationFn: () => cancelSubscription(when, reason.trim()),
    onSuccess: (news) => {
      keepBilling(queryClient, news);
      setAsked(false);
    },
  });
  const until = billing.currentPeriodEnd === "" ? "the end of the period" : day(billing.currentPeriodEnd);
  if (billing.cancelAtPeriodEnd && !isOwner) return null;
  return (
    <Panel title="End the subscription">
      <p className={classes.words}>
        {billing.cancelAtPeriodEnd
          ? `It ends on ${until}. Until then everything works, and you can resume it.`
          : "It runs until the end of what is paid. Your data stays, to be read and exported."}
      </p>
      <Button
        size="xs"
        variant="outline"
        color="red"
        className={classes.danger}
        onClick={() => {
          end.reset();
          setWhen(billing.cancelAtPeriodEnd ? "now" : "period_end");
          setAsked(true);
        }}
      >
        {billing.cancelAtPeriodEnd ? "End it now" : "End the subscription"}
      </Button>
      <Modal opened={asked} onClose={() => setAsked(false)} title="End the subscription?" closeButtonProps={{ "aria-label": "Close" }}>
        <Stack gap="sm">
          {isOwner && !billing.cancelAtPeriodEnd && (
            <Radio.Group label="When" value={when} onChange={(value) => setWhen(value === "now" ? "now" : "period_end")}>
              <Stack gap="xs" mt={4}>
                <Radio value="period_end" label={`On ${until}`} description="Everything works until then. You can change your mind." />
                <Radio value="now" label="At once" description="Nothing is given back for the rest of the period." />
              </Stack>
            </Radio.Group>
          )}
          <p className={classes.words}>
            {when === "now"
              ? "From now on your workspace is read-only. Your data stays, to be read and exported."
              : `After ${until} your workspace is read-only. Your data stays, to be read and exported.`}
          </p>
          <Textarea
            label="Why? (optional)"
            description="It helps us; nobody will call you."
            value={reason}
            maxLength={400}
            autosize
            minRows={2}
            onChange={(event) => setReason(event.currentTarget.value)}
          />
          {end.isError && <ProblemNote error={end.error} title="The subscription was not ended." />}
        </Stack>
        <div className={classes.foot}>
          <Button variant="default" onClick={() => setAsked(false)}>
            Keep it
          </Button>
          <Button color="red" loading={end.isPending} onClick={() => end.mutate()}>
            {when === "now" ? "End it now" : `End it on ${until}`}
          </Button>
        </div>
      </Modal>
    </Panel>
  );
}
