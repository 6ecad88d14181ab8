import { FileUp } from "lucide-react";
import { useState, type DragEvent } from "react";
import { Problem } from "@/lib/api/problem";
import { useAction } from "@/lib/api/useAction";
import { bytes } from "@/lib/format";
import { Button, FileButton } from "@/ui/kit";
import { ProblemNote } from "@/ui/ProblemNote";
import { mostBytes, sendFile, type Upload } from "./uploads";
import classes from "./FilePicker.module.css";

/** Takes a file by drop or by choice and sends it. What is plainly wrong is said before sending. */
export function FilePicker({ onRead }: { onRead: (upload: Upload) => void }) {
  const [over, setOver] = useState(false);
  const send = useAction({
    mutationFn: async (file: File) => {
      refuse(file);
      return sendFile(file);
    },
    onSuccess: onRead,
  });
  const take = (file: File | null | undefined) => {
    if (file != null && !send.isPending) send.mutate(file);
  };
  const onDrop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    take(event.dataTransfer.files[0]);
  };

  return (
    <>
      {/* eslint-disable-next-line jsx-a11y/no-static-element-interactions -- dropping is the mouse's way; the button inside is everybody's */}
      <div
        className={classes.zone}
        data-over={over}
        onDragOver={(event) => {
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={onDrop}
      >
        <FileUp size={22} aria-hidden className={classes.icon} />
        <p className={classes.title}>Drop a CSV file here</p>
        <p className={classes.hint}>up to {bytes(mostBytes)}, comma, semicolon or tab between the columns</p>
        <FileButton onChange={take} accept=".csv,.tsv,.txt,text/csv" inputProps={{ "aria-label": "File to upload" }}>
          {(props) => (
            <Button {...props} loading={send.isPending}>
              Choose a file
            </Button>
          )}
        </FileButton>
      </div>
      {send.isError && <ProblemNote error={send.error} title={`${send.variables.name} was not taken.`} />}
    </>
  );
}

function refuse(file: File): void {
  const say = (code: string, message: string) =>
    new Problem({ status: 0, code, kind: "invalid", message, retryable: false });
  if (file.size === 0) throw say("upload.empty", "The file is empty. Export it again and check that it has rows.");
  if (file.size > mostBytes) {
    throw say("upload.too_large", `The file has ${bytes(file.size)}; ${bytes(mostBytes)} is the most. Split it by year.`);
  }
  if (/\.(xlsx?|ods|numbers)$/i.test(file.name)) {
    throw say("upload.not_csv", "This is a spreadsheet. Save it as CSV in your spreadsheet program, then choose that file.");
  }
}
