import { Download } from "lucide-react";
import { useState } from "react";
import { DataGrid } from "@/ui/DataGrid";
import { Button, SegmentedControl } from "@/ui/kit";
import { Panel } from "@/ui/Panel";
import { nameOf, type Format, type TableKind } from "./tables";
import classes from "./FormatGuide.module.css";

/** What each file should hold, with an example to start from. */
export function FormatGuide({ formats, first }: { formats: Format[]; first: TableKind | undefined }) {
  const [kind, setKind] = useState<TableKind | undefined>(first ?? formats[0]?.kind);
  const format = formats.find((candidate) => candidate.kind === kind) ?? formats[0];
  if (format === undefined) return null;
  return (
    <Panel
      title="What the file should hold"
      note={format.description}
      flush
      actions={
        <>
          <SegmentedControl
            size="xs"
            aria-label="Table"
            value={format.kind}
            onChange={(value) => setKind(formats.find((candidate) => candidate.kind === value)?.kind)}
            data={formats.map((candidate) => ({ value: candidate.kind, label: nameOf(candidate.kind) }))}
          />
          <Button
            variant="default"
            size="xs"
            leftSection={<Download size={14} aria-hidden />}
            onClick={() => offer(`${format.kind}-example.csv`, format.exampleCSV)}
          >
            Example file
          </Button>
        </>
      }
    >
      <DataGrid label={`Columns of ${nameOf(format.kind)}`}>
        <thead>
          <tr>
            <th scope="col">Column</th>
            <th scope="col">Needed</th>
            <th scope="col">Holds</th>
            <th scope="col">Example</th>
          </tr>
        </thead>
        <tbody>
          {format.columns.map((column) => (
            <tr key={column.name}>
              <th scope="row">
                <code className={classes.code}>{column.name}</code>
              </th>
              <td className={column.required ? undefined : "dim"}>{column.required ? "yes" : "no"}</td>
              <td>{column.description === "" ? column.title : column.description}</td>
              <td className="dim keep">{column.example}</td>
            </tr>
          ))}
        </tbody>
      </DataGrid>
    </Panel>
  );
}

// Hands a text over as a file, without asking the product again.
function offer(filename: string, content: string): void {
  const address = URL.createObjectURL(new Blob([content], { type: "text/csv" }));
  const link = document.createElement("a");
  link.href = address;
  link.download = filename;
  link.click();
  URL.revokeObjectURL(address);
}
