import { useVirtualizer } from "@tanstack/react-virtual";
import { useLayoutEffect, useRef } from "react";
import { clock, moment } from "@/lib/format";
import { VisuallyHidden } from "@/ui/kit";
import { Panel } from "@/ui/Panel";
import type { Move } from "./moves";
import classes from "./EventLog.module.css";

type Event = Move["events"][number];

// Longer logs draw only what is in sight.
const virtualFrom = 200;

/** Everything that happened, newest last; stays at the end while the reader is there. */
export function EventLog({ events }: { events: Event[] }) {
  const scroll = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  const virtual = events.length > virtualFrom;
  // eslint-disable-next-line react-hooks/incompatible-library -- the virtualizer is used in this component only
  const virtualizer = useVirtualizer({
    count: virtual ? events.length : 0,
    getScrollElement: () => scroll.current,
    estimateSize: () => 34,
    overscan: 10,
  });
  // A line that turns out higher than thought must not stop a scroll under way.
  useLayoutEffect(() => {
    virtualizer.shouldAdjustScrollPositionOnItemSizeChange = () => false;
  }, [virtualizer]);
  const height = virtual ? virtualizer.getTotalSize() : 0;
  useLayoutEffect(() => {
    const area = scroll.current;
    if (area !== null && atEnd.current) area.scrollTop = area.scrollHeight;
  }, [events.length, height]);

  const rows = virtualizer.getVirtualItems();
  return (
    <Panel title="Log" note="What was done, newest last" flush>
      <div
        className={classes.scroll}
        ref={scroll}
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- a scroll area must be reachable by keyboard
        tabIndex={0}
        role="group"
        aria-label="Log of the move"
        onScroll={({ currentTarget: area }) => {
          atEnd.current = area.scrollHeight - area.scrollTop - area.clientHeight < 24;
        }}
      >
        <ol className={classes.log} style={virtual ? { height } : undefined}>
          {virtual
            ? rows.map((row) => {
                const event = events[row.index];
                return (
                  event !== undefined && (
                    <li
                      key={event.n}
                      data-index={row.index}
                      ref={virtualizer.measureElement}
                      className={classes.floating}
                      style={{ transform: `translateY(${row.start}px)` }}
                      aria-setsize={events.length}
                      aria-posinset={row.index + 1}
                    >
                      <Line event={event} />
                    </li>
                  )
                );
              })
            : events.map((event) => (
                <li key={event.n}>
                  <Line event={event} />
                </li>
              ))}
        </ol>
      </div>
      {/* Said aloud apart from the list, which also draws old lines when it is scrolled. */}
      <VisuallyHidden role="log" aria-live="polite" aria-label="News of the move">
        {events.at(-1)?.text}
      </VisuallyHidden>
    </Panel>
  );
}

function Line({ event }: { event: Event }) {
  return (
    <span className={classes.line}>
      <time className={classes.at} dateTime={event.at} title={moment(event.at)}>
        {clock(event.at)}
      </time>
      <span className={classes.words}>
        {event.text}
        {event.detail !== "" && <span className={classes.detail}> {event.detail}</span>}
      </span>
    </span>
  );
}
