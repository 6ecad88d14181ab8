import { DataGrid } from "@/ui/DataGrid";
import { isNumeric } from "./cells";
import type { Format } from "./tables";
import type { Mapping, Upload } from "./uploads";
import classes from "./PreviewTable.module.css";

interface PreviewTableProps {
  upload: Upload;
  mapping: Mapping;
  format: Format | undefined;
}

/** The first rows of the file, each column under its own name and the field it feeds. */
export function PreviewTable({ upload, mapping, format }: PreviewTableProps) {
  const fieldOf = (index: number) => format?.columns.find((field) => mapping[field.name] === index)?.title;
  const numeric = upload.columns.map((column) => isNumeric(upload.preview.map((row) => row[column.index] ?? "")));
  return (
    <DataGrid label={`Preview of ${upload.filename}`} maxHeight="24rem">
      <thead>
        <tr>
          {upload.columns.map((column, at) => (
            <th key={column.index} scope="col" className={numeric[at] === true ? "num" : undefined}>
              {column.name === "" ? `column ${column.index + 1}` : column.name}
              <span className={classes.field} data-used={fieldOf(column.index) !== undefined}>
                {fieldOf(column.index) ?? "not used"}
              </span>
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {upload.preview.map((row, line) => (
          <tr key={line}>
            {upload.columns.map((column, at) => (
              <td key={column.index} className={numeric[at] === true ? "num" : undefined}>
                {row[column.index]}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </DataGrid>
  );
}
