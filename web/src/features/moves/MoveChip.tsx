import { useQuery } from "@tanstack/react-query";
import { TextLink } from "@/ui/LinkButton";
import { Tag } from "@/ui/Tag";
import { inShort, isBusy, moveQuery } from "./moves";
import classes from "./MoveChip.module.css";

/** How far the move is, on every page, and the way to it. Nothing while there is none. */
export function MoveChip({ onGo }: { onGo?: () => void }) {
  const move = useQuery({
    ...moveQuery,
    // The page of the move listens to its stream; elsewhere asking is enough.
    refetchInterval: (query) => (query.state.data != null && isBusy(query.state.data) ? 2_000 : 60_000),
  }).data;
  const short = inShort(move ?? null);
  if (short === null) return null;
  return (
    <TextLink to="/upgrade" onClick={onGo} underline="never" className={classes.chip}>
      <Tag tone={short.tone}>{short.text}</Tag>
    </TextLink>
  );
}
