import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { ArrowRightLeft, CreditCard, Database, FileUp, House, Inbox, Keyboard, ListChecks, Plus, Settings, SunMoon, Target } from "lucide-react";
import type { Session } from "@/lib/session";
import { runsQuery, verdict } from "@/features/decision/run";
import { useMay } from "@/lib/permissions";
import { inShort, moveQuery } from "@/features/moves/moves";
import { moment } from "@/lib/format";
import { CommandPalette, type Command } from "@/ui/CommandPalette";
import { useMantineColorScheme } from "@/ui/kit";

interface PaletteProps {
  opened: boolean;
  onClose: () => void;
  session: Session;
  onKeys: () => void;
}

/** Pages, actions and recent decisions, by name. */
export function Palette({ opened, onClose, session, onKeys }: PaletteProps) {
  const navigate = useNavigate();
  const { setColorScheme } = useMantineColorScheme();
  const runs = useInfiniteQuery({ ...runsQuery, enabled: opened });
  const move = useQuery({ ...moveQuery, enabled: opened }).data ?? null;
  const moving = inShort(move);
  const acts = useMay("moves", "manage");
  const pays = useMay("billing", "manage");
  const size = 17;

  const commands: Command[] = [
    { id: "home", title: "Home", icon: <House size={size} />, run: () => void navigate({ to: "/home" }) },
    { id: "goal", title: "New decision", icon: <Plus size={size} />, run: () => void navigate({ to: "/goal" }) },
    { id: "decisions", title: "Decisions", icon: <ListChecks size={size} />, run: () => void navigate({ to: "/decisions" }) },
    { id: "data", title: "Data", icon: <Database size={size} />, run: () => void navigate({ to: "/data" }) },
    { id: "upload", title: "Upload a file", icon: <FileUp size={size} />, run: () => void navigate({ to: "/data/upload" }) },
    { id: "plans", title: "Plans", icon: <CreditCard size={size} />, run: () => void navigate({ to: "/plans" }) },
    ...(moving !== null || (acts && pays)
      ? [
          {
            id: "upgrade",
            title: moving !== null ? "See the move" : session.plan?.id === "enterprise" ? "Change plan" : "Upgrade to Enterprise",
            ...(moving === null ? {} : { note: moving.text }),
            icon: <ArrowRightLeft size={size} />,
            run: () => void navigate({ to: "/upgrade" }),
          },
        ]
      : []),
    { id: "settings", title: "Settings", icon: <Settings size={size} />, run: () => void navigate({ to: "/settings" }) },
    ...(session.outbox
      ? [{ id: "outbox", title: "Outbox", icon: <Inbox size={size} />, run: () => void navigate({ to: "/outbox" }) }]
      : []),
    {
      id: "theme",
      title: "Switch between light and dark",
      icon: <SunMoon size={size} />,
      run: () =>
        setColorScheme(document.documentElement.dataset["mantineColorScheme"] === "dark" ? "light" : "dark"),
    },
    { id: "keys", title: "Show the keys", icon: <Keyboard size={size} />, run: onKeys },
    ...(runs.data?.pages[0]?.runs ?? []).slice(0, 12).map((run) => ({
      id: run.id,
      title: run.title === "" ? "Decision" : run.title,
      note: `${verdict(run, run.progress?.gap ?? null).text} · ${moment(run.createdAt)}`,
      icon: <Target size={size} />,
      run: () => void navigate({ to: "/decisions/$run", params: { run: run.id } }),
    })),
  ];

  return <CommandPalette opened={opened} onClose={onClose} commands={commands} />;
}
