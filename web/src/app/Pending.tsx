import { Skeleton } from "@/ui/kit";
import classes from "./Pending.module.css";

/** Stands where a page will be while its code loads. */
export function Pending() {
  return (
    <div className={classes.pending} aria-busy="true" aria-label="Loading the page" role="status">
      <Skeleton height={28} width={220} radius="sm" />
      <Skeleton height={160} radius="md" />
      <Skeleton height={240} radius="md" />
    </div>
  );
}
