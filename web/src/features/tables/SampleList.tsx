import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Store } from "lucide-react";
import { useState } from "react";
import { useAction } from "@/lib/api/useAction";
import { number, plural } from "@/lib/format";
import { Button, Group, Modal, Skeleton } from "@/ui/kit";
import { ProblemNote } from "@/ui/ProblemNote";
import { loadSample, samplesQuery, type Sample } from "./tables";
import classes from "./SampleList.module.css";

interface SampleListProps {
  /** True when loading a sample would replace something of the company's own. */
  replaces: boolean;
  onLoaded: (sample: Sample) => void;
}

/** Ready-made businesses; one click puts all three tables in place. */
export function SampleList({ replaces, onLoaded }: SampleListProps) {
  const samples = useQuery(samplesQuery);
  const queryClient = useQueryClient();
  const [asked, setAsked] = useState<Sample | null>(null);
  const load = useAction({
    mutationFn: (sample: Sample) => loadSample(sample.id),
    onSuccess: async (_, sample) => {
      setAsked(null);
      await queryClient.invalidateQueries({ queryKey: ["tables"] });
      onLoaded(sample);
    },
  });

  if (samples.isPending) return <Skeleton height={150} radius="sm" />;
  if (samples.isError) {
    return <ProblemNote error={samples.error} title="The samples could not be read." onRetry={() => void samples.refetch()} />;
  }
  return (
    <>
      {load.isError && <ProblemNote error={load.error} title="The sample could not be loaded." />}
      <ul className={classes.samples}>
        {samples.data.map((sample) => (
          <li key={sample.id} className={classes.sample}>
            <Store size={17} aria-hidden className={classes.icon} />
            <div className={classes.words}>
              <h3 className={classes.name}>{sample.name}</h3>
              <p className={classes.description}>{sample.description}</p>
              <p className={classes.size}>
                {plural(sample.items, "item")}, {number(sample.periods)} weeks, {plural(sample.suppliers, "supplier")}
                {sample.currency !== "" && `, ${sample.currency}`}
              </p>
            </div>
            <Button
              variant="default"
              size="xs"
              aria-label={`Load ${sample.name}`}
              loading={load.isPending && load.variables.id === sample.id}
              onClick={() => (replaces ? setAsked(sample) : load.mutate(sample))}
            >
              Load
            </Button>
          </li>
        ))}
      </ul>
      <Modal
        opened={asked !== null}
        onClose={() => setAsked(null)}
        title="Replace the tables?"
        closeButtonProps={{ "aria-label": "Close" }}
      >
        <p className={classes.ask}>
          Loading {asked?.name} replaces all three tables. Decisions already made keep the data they were made from.
        </p>
        <Group justify="flex-end" mt="md">
          <Button variant="default" onClick={() => setAsked(null)}>
            Keep my tables
          </Button>
          <Button loading={load.isPending} onClick={() => asked !== null && load.mutate(asked)}>
            Replace
          </Button>
        </Group>
      </Modal>
    </>
  );
}
