import { useQueryClient } from "@tanstack/react-query";
import { FileUp, Rows3, Trash2 } from "lucide-react";
import { useAction } from "@/lib/api/useAction";
import { day, moment, number } from "@/lib/format";
import { ActionIcon, Button, Group, Modal, Tooltip, useDisclosure } from "@/ui/kit";
import { Facts } from "@/ui/Facts";
import { LinkButton } from "@/ui/LinkButton";
import { Panel } from "@/ui/Panel";
import { ProblemNote } from "@/ui/ProblemNote";
import { Tag } from "@/ui/Tag";
import { nameOf, removeTable, type Table, type TableKind } from "./tables";
import classes from "./TableCard.module.css";

const purposes: Record<TableKind, string> = {
  demand: "What was sold or used, by item and week. The forecast comes from this.",
  stock: "What is on the shelf and on its way, with cost and space.",
  suppliers: "Who delivers each item, how long it takes, and in what sizes.",
};

interface TableCardProps {
  table: Table;
  onShowRows: (kind: TableKind) => void;
}

/** One table: whether it is there, what it holds, and what can be done with it. */
export function TableCard({ table, onShowRows }: TableCardProps) {
  const name = nameOf(table.kind);
  return (
    <Panel
      title={name}
      actions={table.present ? <Tag tone="good">Loaded</Tag> : <Tag>Missing</Tag>}
    >
      <div className={classes.card}>
        <p className={classes.purpose}>{purposes[table.kind]}</p>
        {table.present ? (
          <Facts
            rows={[
              { name: "Rows", value: number(table.rows) },
              { name: "Items", value: number(table.items) },
              ...(table.from !== "" ? [{ name: "Covers", value: `${day(table.from)} to ${day(table.to)}` }] : []),
              { name: "From", value: table.source === "" ? "upload" : table.source },
              { name: "Updated", value: moment(table.updatedAt) },
            ]}
          />
        ) : (
          <p className={classes.missing}>Nothing here yet. Upload a CSV, or load a sample business below.</p>
        )}
        {table.notes.length > 0 && (
          <ul className={classes.notes}>
            {table.notes.map((note) => (
              <li key={note}>{note}</li>
            ))}
          </ul>
        )}
        <Group gap="xs" mt="auto">
          <LinkButton
            to="/data/upload"
            search={{ kind: table.kind }}
            variant={table.present ? "default" : "filled"}
            size="xs"
            leftSection={<FileUp size={15} aria-hidden />}
            aria-label={table.present ? `Replace ${name}` : `Upload ${name}`}
          >
            {table.present ? "Replace" : "Upload"}
          </LinkButton>
          {table.present && (
            <>
              <Button
                variant="default"
                size="xs"
                leftSection={<Rows3 size={15} aria-hidden />}
                onClick={() => onShowRows(table.kind)}
                aria-label={`View rows of ${name}`}
              >
                View rows
              </Button>
              <RemoveButton kind={table.kind} />
            </>
          )}
        </Group>
      </div>
    </Panel>
  );
}

function RemoveButton({ kind }: { kind: TableKind }) {
  const [opened, dialog] = useDisclosure(false);
  const queryClient = useQueryClient();
  const remove = useAction({
    mutationFn: () => removeTable(kind),
    onSuccess: async () => {
      await queryClient.invalidateQueries({ queryKey: ["tables"] });
      dialog.close();
    },
  });
  const name = nameOf(kind);
  return (
    <>
      <Tooltip label="Remove">
        <ActionIcon variant="subtle" color="gray" size="lg" aria-label={`Remove ${name}`} onClick={dialog.open}>
          <Trash2 size={16} aria-hidden />
        </ActionIcon>
      </Tooltip>
      <Modal opened={opened} onClose={dialog.close} title={`Remove ${name.toLowerCase()}?`} closeButtonProps={{ "aria-label": "Close" }}>
        <p className={classes.ask}>
          The table is taken out of the next decisions. Decisions already made keep the data they were made from.
        </p>
        {remove.isError && <ProblemNote error={remove.error} />}
        <Group justify="flex-end" mt="md">
          <Button variant="default" onClick={dialog.close}>
            Keep it
          </Button>
          <Button color="red" loading={remove.isPending} onClick={() => remove.mutate()}>
            Remove
          </Button>
        </Group>
      </Modal>
    </>
  );
}
