import { Controller, type Control } from "react-hook-form";
import { number } from "@/lib/format";
import { NumberInput, Slider } from "@/ui/kit";
import { checkEntry, numberFieldOf, presentationOf, type GoalForm, type NumberField } from "./goalForm";
import type { Field } from "./goals";
import classes from "./GoalFields.module.css";

interface GoalFieldsProps {
  fields: Field[];
  place: "main" | "advanced";
  control: Control<GoalForm>;
}

/** The numbers of a goal, as the template describes them. */
export function GoalFields({ fields, place, control }: GoalFieldsProps) {
  return (
    <div className={classes.fields}>
      {fields.map((field) => {
        const name = numberFieldOf(field);
        if (name === null || presentationOf(name).place !== place) return null;
        return name === "serviceLevel" ? (
          <ServiceLevel key={name} field={field} control={control} />
        ) : (
          <Entry key={name} field={field} name={name} control={control} />
        );
      })}
    </div>
  );
}

function Entry({ field, name, control }: { field: Field; name: NumberField; control: Control<GoalForm> }) {
  const { percent, optional, decimals } = presentationOf(name);
  const unit = percent ? "%" : field.unit;
  return (
    <Controller
      name={name}
      control={control}
      rules={{ validate: (entry) => checkEntry(field, name, entry) }}
      render={({ field: box, fieldState }) => (
        <NumberInput
          label={unit === "" ? field.title : `${field.title} (${unit})`}
          description={field.help}
          inputWrapperOrder={["label", "input", "description", "error"]}
          placeholder={optional ? "no limit" : undefined}
          allowNegative={false}
          decimalScale={decimals}
          hideControls={optional}
          {...(percent || decimals > 0 ? {} : { step: 1 })}
          error={fieldState.error?.message}
          ref={box.ref}
          name={box.name}
          value={box.value}
          onBlur={box.onBlur}
          onChange={(value) => box.onChange(typeof value === "number" ? value : value === "" ? "" : Number(value))}
        />
      )}
    />
  );
}

function ServiceLevel({ field, control }: { field: Field; control: Control<GoalForm> }) {
  const least = (field.min ?? 0.5) * 100;
  const most = (field.max ?? 0.99) * 100;
  return (
    <Controller
      name="serviceLevel"
      control={control}
      rules={{ validate: (entry) => checkEntry(field, "serviceLevel", entry) }}
      render={({ field: box, fieldState }) => (
        <div className={classes.level}>
          <NumberInput
            label={`${field.title} (%)`}
            description={field.help}
            inputWrapperOrder={["label", "input", "description", "error"]}
            decimalScale={1}
            allowNegative={false}
            step={1}
            error={fieldState.error?.message}
            ref={box.ref}
            name={box.name}
            value={box.value}
            onBlur={box.onBlur}
            onChange={(value) => box.onChange(typeof value === "number" ? value : value === "" ? "" : Number(value))}
          />
          <Slider
            thumbLabel={`${field.title}, slider`}
            min={least}
            max={most}
            step={0.5}
            label={(value) => `${number(value, 1)} %`}
            value={box.value === "" ? least : Math.min(most, Math.max(least, box.value))}
            onChange={box.onChange}
            size="sm"
            className={classes.slider}
          />
          <div className={classes.ends} aria-hidden>
            <span>{number(least)} %: less stock</span>
            <span>fewer gaps: {number(most)} %</span>
          </div>
        </div>
      )}
    />
  );
}
