import { Moon, Sun } from "lucide-react";
import { ActionIcon, useMantineColorScheme } from "@/ui/kit";

/** Turns the light on and off. */
export function ThemeButton() {
  const { setColorScheme } = useMantineColorScheme();
  const toggle = () =>
    setColorScheme(document.documentElement.dataset["mantineColorScheme"] === "dark" ? "light" : "dark");
  return (
    <ActionIcon variant="subtle" color="gray" size="lg" aria-label="Switch between light and dark" onClick={toggle}>
      <Sun size={17} className="only-dark" aria-hidden />
      <Moon size={17} className="only-light" aria-hidden />
    </ActionIcon>
  );
}
