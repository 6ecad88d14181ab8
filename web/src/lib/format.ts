// One place that turns numbers and dates into text, so that a figure reads the
// same in a table, a chart and a sentence. The product speaks English; numbers
// and dates follow.

const language = "en-GB";
export const nothing = "–";

const moneyFormats = new Map<string, Intl.NumberFormat>();

function moneyFormat(currency: string, digits: number): Intl.NumberFormat {
  const key = `${currency}/${digits}`;
  let format = moneyFormats.get(key);
  if (format === undefined) {
    try {
      format = new Intl.NumberFormat(language, {
        style: "currency",
        currency,
        currencyDisplay: "narrowSymbol",
        minimumFractionDigits: digits,
        maximumFractionDigits: digits,
      });
    } catch {
      // Not an ISO code: show the number and leave the sign to the column title.
      format = new Intl.NumberFormat(language, { minimumFractionDigits: digits, maximumFractionDigits: digits });
    }
    moneyFormats.set(key, format);
  }
  return format;
}

/** Currency without cents, for sums: "£1,240". An empty currency shows the bare number. */
export function money(value: number, currency: string): string {
  return moneyFormat(currency, 0).format(tidy(value));
}

/** Currency with cents, for prices: "£12.40". */
export function price(value: number, currency: string): string {
  return moneyFormat(currency, 2).format(tidy(value));
}

/** Whole cents of a price list: "$49", and "$40.83" when it is not whole. */
export function cents(value: number, currency: string): string {
  return value % 100 === 0 ? money(value / 100, currency) : price(value / 100, currency);
}

/** A number with at most `digits` decimals: "1,240.5". */
export function number(value: number, digits = 0): string {
  return new Intl.NumberFormat(language, { maximumFractionDigits: digits }).format(tidy(value));
}

/** A quantity with its unit: "120 pcs". */
export function quantity(value: number, unit: string): string {
  const shown = number(value, Number.isInteger(value) ? 0 : 1);
  return unit === "" ? shown : `${shown} ${unit}`;
}

/** A share as per cent: 0.953 is "95.3 %". */
export function percent(share: number, digits = 1): string {
  return `${number(share * 100, digits)} %`;
}

/** Short axis labels: 12,400 is "12.4k". */
export function short(value: number): string {
  return new Intl.NumberFormat(language, { notation: "compact", maximumFractionDigits: 1 })
    .format(tidy(value))
    .toLowerCase();
}

/** A length of time: "840 ms", "3.2 s", "2 min 5 s", "3 h 20 min", "6 d 4 h". */
export function duration(millis: number): string {
  if (millis < 1000) return `${number(Math.max(0, Math.round(millis)))} ms`;
  const seconds = millis / 1000;
  if (seconds < 60) return `${number(seconds, 1)} s`;
  if (seconds < 3600) return inTwo(Math.round(seconds), 60, "min", "s");
  if (seconds < 86_400) return inTwo(Math.round(seconds / 60), 60, "h", "min");
  return inTwo(Math.round(seconds / 3600), 24, "d", "h");
}

// Two units are enough: nobody waits for the seconds of a day.
function inTwo(whole: number, size: number, large: string, small: string): string {
  const rest = whole % size;
  const first = `${number(Math.floor(whole / size))} ${large}`;
  return rest === 0 ? first : `${first} ${rest} ${small}`;
}

/** A length of time nobody should take at its word: "a few seconds", "about 45 s", "about 4 min", "about 1.5 h". */
export function roughly(seconds: number): string {
  if (seconds < 8) return "a few seconds";
  if (seconds < 58) return `about ${Math.ceil(seconds / 5) * 5} s`;
  if (seconds < 90 * 60) return `about ${Math.max(1, Math.round(seconds / 60))} min`;
  return `about ${number(Math.round(seconds / 1800) / 2, 1)} h`;
}

/** A calendar day, without a year when it is this year's: "3 Mar". */
export function day(iso: string, now: Date = new Date()): string {
  const read = calendarDay(iso);
  if (read === null) return nothing;
  return new Intl.DateTimeFormat(language, {
    day: "numeric",
    month: "short",
    ...(read.getUTCFullYear() === now.getFullYear() ? {} : { year: "numeric" }),
    timeZone: "UTC",
  }).format(read);
}

/** A moment in the reader's own time zone: "3 Mar, 14:05". */
export function moment(iso: string, now: Date = new Date()): string {
  const read = new Date(iso);
  if (Number.isNaN(read.getTime()) || read.getUTCFullYear() <= 1) return nothing;
  return new Intl.DateTimeFormat(language, {
    day: "numeric",
    month: "short",
    ...(read.getFullYear() === now.getFullYear() ? {} : { year: "numeric" }),
    hour: "2-digit",
    minute: "2-digit",
  }).format(read);
}

/** The time of a line in a log, to the second: "14:05:09", with the day when it is not today's. */
export function clock(iso: string, now: Date = new Date()): string {
  const read = new Date(iso);
  if (Number.isNaN(read.getTime()) || read.getUTCFullYear() <= 1) return nothing;
  return new Intl.DateTimeFormat(language, {
    ...(read.toDateString() === now.toDateString() ? {} : { day: "numeric", month: "short" }),
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
  }).format(read);
}

/** A file's size: "1.2 MB". A MB has 1024 kB, as in the limits of the product. */
export function bytes(size: number): string {
  if (size < 1024) return `${size} bytes`;
  if (size < 1024 * 1024) return `${number(size / 1024, 1)} kB`;
  if (size < 1024 ** 3) return `${number(size / 1024 ** 2, 1)} MB`;
  return `${number(size / 1024 ** 3, 1)} GB`;
}

/** "1 item", "2 items". */
export function plural(amount: number, one: string, many = `${one}s`): string {
  return `${number(amount)} ${amount === 1 ? one : many}`;
}

// A calendar day belongs to no time zone: only its date part is read.
function calendarDay(iso: string): Date | null {
  const parts = /^(\d{4})-(\d{2})-(\d{2})/.exec(iso);
  if (parts === null || Number(parts[1]) <= 1) return null;
  return new Date(Date.UTC(Number(parts[1]), Number(parts[2]) - 1, Number(parts[3])));
}

// Minus zero reads like a mistake.
function tidy(value: number): number {
  return Object.is(value, -0) || Math.abs(value) < 1e-9 ? 0 : value;
}
