import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useAction } from "@/lib/api/useAction";
import { bytes, number, plural } from "@/lib/format";
import { Button, Group, NativeSelect, SegmentedControl, Skeleton } from "@/ui/kit";
import { Panel } from "@/ui/Panel";
import { ProblemNote } from "@/ui/ProblemNote";
import { CheckReport } from "./CheckReport";
import { MappingTable } from "./MappingTable";
import { PreviewTable } from "./PreviewTable";
import { nameOf, type Format, type TableKind } from "./tables";
import {
  checkQuery,
  commitUpload,
  guessMapping,
  hasSlashedDates,
  missingFields,
  type DateOrder,
  type Mapping,
  type Upload,
} from "./uploads";
import classes from "./UploadReview.module.css";

interface UploadReviewProps {
  upload: Upload;
  formats: Format[];
  /** The table the visitor came for. */
  wanted: TableKind | undefined;
  onAnother: () => void;
  onSaved: () => void;
}

/** A file on its way into a table: which table, which columns, what is wrong, save. */
export function UploadReview({ upload, formats, wanted, onAnother, onSaved }: UploadReviewProps) {
  const [kind, setKind] = useState<TableKind>(upload.kind ?? wanted ?? "demand");
  const format = formats.find((candidate) => candidate.kind === kind);
  const [mapping, setMapping] = useState<Mapping>(() => guessMapping(format, upload));
  const [dateOrder, setDateOrder] = useState<DateOrder>("");
  const reading = { kind, mapping, dateOrder };
  const missing = missingFields(format, mapping);

  const check = useQuery({
    ...checkQuery(upload.id, reading),
    enabled: missing.length === 0,
    placeholderData: keepPreviousData,
  });
  const save = useAction({
    mutationFn: () => commitUpload(upload.id, reading),
    onSuccess: onSaved,
  });
  const report = missing.length === 0 ? check.data : undefined;
  const ready = report?.ok === true && !check.isPlaceholderData;

  const choose = (value: string) => {
    const next = formats.find((candidate) => candidate.kind === value);
    if (next === undefined) return;
    setKind(next.kind);
    setMapping(guessMapping(next, upload));
    save.reset();
  };

  return (
    <>
      <Panel
        title={upload.filename}
        note={`${bytes(upload.bytes)}, ${plural(upload.lines, "line")}, ${plural(upload.columns.length, "column")}, ${upload.encoding}, separated by ${separator(upload.delimiter)}`}
        actions={
          <Button variant="default" size="xs" onClick={onAnother}>
            Another file
          </Button>
        }
      >
        <div className={classes.kind}>
          <span className={classes.ask} id="kind-question">
            This file is
          </span>
          <SegmentedControl
            aria-labelledby="kind-question"
            value={kind}
            onChange={choose}
            data={formats.map((candidate) => ({ value: candidate.kind, label: nameOf(candidate.kind) }))}
          />
          {wanted !== undefined && upload.kind !== null && upload.kind !== wanted && kind === upload.kind && (
            <span className={classes.hint}>
              It looks like {nameOf(upload.kind).toLowerCase()}, not {nameOf(wanted).toLowerCase()}.
            </span>
          )}
        </div>
      </Panel>

      <div className={classes.split}>
        <Panel title="Columns" note="Which column of your file feeds which field.">
          {format !== undefined && (
            <MappingTable
              format={format}
              upload={upload}
              mapping={mapping}
              onChange={(next) => {
                setMapping(next);
                save.reset();
              }}
            />
          )}
          {hasSlashedDates(format, upload, mapping) && (
            <NativeSelect
              mt="md"
              maw={320}
              label="Dates like 05/06/2026 are"
              data={[
                { value: "", label: "as the file shows" },
                { value: "dmy", label: "day first: 5 June" },
                { value: "mdy", label: "month first: 6 May" },
              ]}
              value={dateOrder}
              onChange={(event) => {
                const { value } = event.currentTarget;
                setDateOrder(value === "dmy" || value === "mdy" ? value : "");
              }}
            />
          )}
        </Panel>
        <div className={classes.side}>
          <Panel
            title="Check"
            tone={report === undefined ? "plain" : report.ok ? "accent" : "bad"}
            note={check.isFetching && report !== undefined ? "Checking again" : undefined}
          >
            {missing.length > 0 && (
              <p className={classes.missing}>
                Choose a column for {missing.join(", ")}. Without {missing.length === 1 ? "it" : "them"} the file cannot
                be read.
              </p>
            )}
            {missing.length === 0 && check.isPending && <Skeleton height={120} radius="sm" />}
            {missing.length === 0 && check.isError && (
              <ProblemNote error={check.error} title="The file could not be checked." onRetry={() => void check.refetch()} />
            )}
            {report !== undefined && <CheckReport check={report} filename={upload.filename} />}
            {save.isError && <ProblemNote error={save.error} title="Nothing was saved." />}
            <Group mt="md" gap="xs">
              <Button disabled={!ready} loading={save.isPending} onClick={() => save.mutate()}>
                {report?.ok === true ? `Save ${number(report.accepted)} rows` : "Save"}
              </Button>
              {report !== undefined && !report.ok && (
                <span className={classes.hint}>All rows or none: fix the file, then choose it again.</span>
              )}
            </Group>
          </Panel>
        </div>
      </div>

      <Panel title="Preview" note={`The first ${plural(upload.preview.length, "row")} as they were read.`} flush>
        <PreviewTable upload={upload} mapping={mapping} format={format} />
      </Panel>
    </>
  );
}

function separator(delimiter: string): string {
  switch (delimiter) {
    case ",":
    case "comma":
      return "commas";
    case ";":
    case "semicolon":
      return "semicolons";
    case "\t":
    case "tab":
      return "tabs";
    case "|":
      return "bars";
    default:
      return delimiter === "" ? "nothing" : delimiter;
  }
}
