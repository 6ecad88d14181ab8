import { NativeSelect } from "@/ui/kit";
import type { Format } from "./tables";
import type { Mapping, Upload } from "./uploads";
import classes from "./MappingTable.module.css";

interface MappingTableProps {
  format: Format;
  upload: Upload;
  mapping: Mapping;
  onChange: (mapping: Mapping) => void;
}

/** One select for each field of the table, with values of the column chosen. */
export function MappingTable({ format, upload, mapping, onChange }: MappingTableProps) {
  const options = [
    { value: "", label: "not in the file" },
    ...upload.columns.map((column) => ({
      value: String(column.index),
      label: column.name === "" ? `column ${column.index + 1}` : column.name,
    })),
  ];
  return (
    <div className={classes.fields}>
      {format.columns.map((field) => {
        const index = mapping[field.name];
        const samples = upload.columns.find((column) => column.index === index)?.samples.slice(0, 3) ?? [];
        return (
          <NativeSelect
            key={field.name}
            label={field.title}
            withAsterisk={field.required}
            description={samples.length > 0 ? samples.join(", ") : field.description}
            inputWrapperOrder={["label", "input", "description", "error"]}
            error={field.required && index === undefined ? "Needed" : undefined}
            data={options}
            value={index === undefined ? "" : String(index)}
            onChange={(event) => {
              const value = event.currentTarget.value;
              const others = Object.entries(mapping).filter(([name]) => name !== field.name);
              onChange(Object.fromEntries(value === "" ? others : [...others, [field.name, Number(value)]]));
            }}
          />
        );
      })}
    </div>
  );
}
