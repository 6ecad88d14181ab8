import { Compass } from "lucide-react";
import { Empty } from "@/ui/Empty";
import { useDocumentTitle } from "@/ui/kit";
import { LinkButton } from "@/ui/LinkButton";
import classes from "./NotFound.module.css";

/** For addresses that lead nowhere. */
export function NotFound() {
  useDocumentTitle("Not found · Dyocense");
  return (
    <main className={classes.place}>
      <h1 className={classes.number}>404</h1>
      <Empty
        icon={<Compass size={20} />}
        title="There is nothing at this address"
        action={<LinkButton to="/">Go to the start</LinkButton>}
      >
        The link may be old or mistyped. Nothing of yours is lost.
      </Empty>
    </main>
  );
}
