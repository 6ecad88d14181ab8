import { useEffect, useRef, useState } from "react";
import { day, number, plural, quantity } from "@/lib/format";
import { ItemChart } from "@/ui/charts/ItemChart";
import { DataGrid } from "@/ui/DataGrid";
import { TextInput } from "@/ui/kit";
import { Panel } from "@/ui/Panel";
import { Tag } from "@/ui/Tag";
import { periodLabel, type ItemPlan, type Result } from "../result";
import { demandPoints, standing, stockPoints } from "./itemPoints";
import classes from "./ItemsPanel.module.css";

interface ItemsPanelProps {
  result: Result;
  selected: number;
  onSelect: (index: number) => void;
  figuresOpen: boolean;
  onFigures: (open: boolean) => void;
}

/** Each item over time: demand with its range, and the stock the plan leads to. */
export function ItemsPanel({ result, selected, onSelect, figuresOpen, onFigures }: ItemsPanelProps) {
  const [words, setWords] = useState("");
  const item = result.items[selected] ?? result.items[0];
  const found = result.items
    .map((candidate, index) => ({ candidate, index }))
    .filter(({ candidate }) => `${candidate.sku} ${candidate.name}`.toLowerCase().includes(words.trim().toLowerCase()));

  // The chosen item is always in sight. Only the list scrolls for it, not the page.
  const list = useRef<HTMLUListElement>(null);
  useEffect(() => {
    const box = list.current;
    const chosen = box?.querySelector<HTMLElement>('[aria-pressed="true"]');
    if (box == null || chosen == null) return;
    const frame = box.getBoundingClientRect();
    const place = chosen.getBoundingClientRect();
    if (place.top < frame.top || place.bottom > frame.bottom) {
      box.scrollTop += place.top - frame.top - (frame.height - place.height) / 2;
    }
  }, [selected]);

  return (
    <Panel title="Items" note={`${plural(result.items.length, "item")}; choose one to see its stock over time.`} flush>
      <div className={classes.split}>
        <div className={classes.side}>
          <TextInput
            size="xs"
            aria-label="Search items"
            placeholder="Search items"
            value={words}
            onChange={(event) => setWords(event.currentTarget.value)}
          />
          <ul className={classes.list} aria-label="Items" ref={list}>
            {found.map(({ candidate, index }) => (
              <li key={candidate.sku}>
                <button
                  type="button"
                  className={classes.pick}
                  aria-pressed={candidate === item}
                  onClick={() => onSelect(index)}
                >
                  <span className={classes.name}>{candidate.name === "" ? candidate.sku : candidate.name}</span>
                  <Standing item={candidate} />
                </button>
              </li>
            ))}
            {found.length === 0 && <li className={classes.none}>No item matches.</li>}
          </ul>
        </div>
        {item !== undefined && (
          <Item result={result} item={item} index={result.items.indexOf(item)} figuresOpen={figuresOpen} onFigures={onFigures} />
        )}
      </div>
    </Panel>
  );
}

function Standing({ item }: { item: ItemPlan }) {
  const state = standing(item);
  if (state === "fine") return null;
  return state === "short" ? <Tag tone="bad">short</Tag> : <Tag tone="attention">low</Tag>;
}

interface ItemProps {
  result: Result;
  item: ItemPlan;
  index: number;
  figuresOpen: boolean;
  onFigures: (open: boolean) => void;
}

function Item({ result, item, index, figuresOpen, onFigures }: ItemProps) {
  const name = item.name === "" ? item.sku : item.name;
  const unit = item.unit === "" ? "units" : item.unit;
  return (
    <div className={classes.item} data-path={`/items/${index}`}>
      <div className={classes.head}>
        <h3 className={classes.title}>
          {name} <span className={classes.sku}>{item.sku}</span>
        </h3>
        <p className={classes.facts}>
          <span data-path={`/items/${index}/onHand`}>{quantity(item.onHand, unit)} on hand</span>
          <span>{item.supplier}</span>
          <span data-path={`/items/${index}/leadTimeDays`}>{plural(item.leadTimeDays, "day")} to deliver</span>
        </p>
      </div>
      {item.stock.length > 0 && (
        <>
          <h4 className={classes.caption}>Stock at the end of each period</h4>
          <ItemChart
            points={stockPoints(result, item)}
            names={{
              value: "stock",
              range: "range (low to high)",
              floor: "safety stock",
              arrival: "arrivals",
              missing: "shortage",
            }}
            unit={unit}
            description={`Stock of ${name} over ${item.stock.length} periods in ${unit}, from ${number(item.stock[0] ?? 0)} to ${number(item.stock.at(-1) ?? 0)}`}
          />
        </>
      )}
      <h4 className={classes.caption}>Demand, past and expected</h4>
      <ItemChart
        points={demandPoints(result, item)}
        names={{ past: "past", value: "forecast", range: "range (low to high)" }}
        unit={unit}
        description={`Demand for ${name}: ${plural(item.history.length, "period")} of history and a forecast of ${item.forecast.length}, in ${unit}`}
      />
      {item.method !== "" && (
        <p className={classes.method}>
          Forecast by {item.method}
          {item.methodNote !== "" && `: ${item.methodNote}`}
        </p>
      )}
      <details open={figuresOpen} onToggle={(event) => onFigures(event.currentTarget.open)} className={classes.figures}>
        <summary>The figures as a table</summary>
        <Figures result={result} item={item} index={index} />
      </details>
    </div>
  );
}

const columns = [
  { key: "forecast", title: "Demand" },
  { key: "forecastLow", title: "Low" },
  { key: "forecastHigh", title: "High" },
  { key: "ordered", title: "Ordered" },
  { key: "arrivals", title: "Arrives" },
  { key: "stock", title: "Stock" },
  { key: "stockLow", title: "Stock low" },
  { key: "stockHigh", title: "Stock high" },
  { key: "safetyStock", title: "Safety stock" },
  { key: "shortage", title: "Short" },
] as const;

function Figures({ result, item, index }: { result: Result; item: ItemPlan; index: number }) {
  return (
    <DataGrid label={`Figures of ${item.name === "" ? item.sku : item.name}, in ${item.unit === "" ? "units" : item.unit}`}>
      <thead>
        <tr>
          <th scope="col">Period</th>
          {columns.map((column) => (
            <th key={column.key} scope="col" className="num">
              {column.title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {item.forecast.map((_, period) => (
          <tr key={period}>
            <th scope="row" className="keep">
              {result.periods[period] === undefined ? periodLabel(result, period) : day(result.periods[period].start)}
            </th>
            {columns.map((column) => {
              const value = item[column.key][period];
              return (
                <td key={column.key} className="num" data-path={`/items/${index}/${column.key}/${period}`}>
                  {value === undefined ? "" : number(value, 1)}
                </td>
              );
            })}
          </tr>
        ))}
      </tbody>
    </DataGrid>
  );
}
