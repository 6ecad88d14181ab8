import { Spotlight, type SpotlightActionData, createSpotlight } from "@mantine/spotlight";
import { Search } from "lucide-react";
import { useEffect, useState, type ReactNode } from "react";

/** One thing the palette can do. */
export interface Command {
  id: string;
  title: string;
  note?: string;
  icon?: ReactNode;
  run: () => void;
}

interface CommandPaletteProps {
  opened: boolean;
  onClose: () => void;
  commands: Command[];
}

/** A search box over everything one can do or open. */
export function CommandPalette({ opened, onClose, commands }: CommandPaletteProps) {
  const [[store, spotlight]] = useState(createSpotlight);
  useEffect(() => {
    if (opened) spotlight.open();
    else spotlight.close();
  }, [opened, spotlight]);

  const actions: SpotlightActionData[] = commands.map((command) => ({
    id: command.id,
    label: command.title,
    ...(command.note === undefined ? {} : { description: command.note }),
    leftSection: command.icon,
    onClick: command.run,
  }));

  return (
    <Spotlight
      store={store}
      actions={actions}
      shortcut={null}
      attributes={{ content: { "aria-label": "Search" } }}
      highlightQuery
      limit={8}
      scrollable
      maxHeight={420}
      nothingFound="Nothing by that name"
      onSpotlightClose={onClose}
      searchProps={{
        leftSection: <Search size={17} aria-hidden />,
        placeholder: "Search pages and decisions",
        "aria-label": "Search pages and decisions",
      }}
    />
  );
}
