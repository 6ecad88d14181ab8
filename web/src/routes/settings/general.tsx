import { useQuery } from "@tanstack/react-query";
import { sessionQuery } from "@/lib/session";
import { BillingPanel } from "@/features/billing/BillingPanel";
import { HealthPanel } from "@/features/health/HealthPanel";
import { useShortcutPreference } from "@/lib/keys";
import { Facts } from "@/ui/Facts";
import { Checkbox, SegmentedControl, useMantineColorScheme } from "@/ui/kit";
import { Panel } from "@/ui/Panel";
import classes from "./general.module.css";

/** What fits nowhere else: who you are, how the portal looks, how the product is. */
export function GeneralSettings() {
  const session = useQuery(sessionQuery).data;
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const [shortcuts, setShortcuts] = useShortcutPreference();
  return (
    <>
      <div className={classes.split}>
        {session != null && (
          <Panel title="Profile">
            <Facts
              rows={[
                { name: "E-mail", value: session.person.email },
                { name: "Company", value: session.tenant.name },
                { name: "Company ID", value: <code className={classes.code}>{session.tenant.id}</code> },
                { name: "Role", value: session.role },
              ]}
            />
          </Panel>
        )}
        <BillingPanel />
      </div>
      <Panel title="This browser">
        <div className={classes.choices}>
          <div className={classes.choice}>
            <span id="theme">Theme</span>
            <SegmentedControl
              aria-labelledby="theme"
              value={colorScheme}
              onChange={(value) => setColorScheme(value === "light" || value === "dark" ? value : "auto")}
              data={[
                { value: "auto", label: "As the system" },
                { value: "light", label: "Light" },
                { value: "dark", label: "Dark" },
              ]}
            />
          </div>
          <Checkbox
            label="Single keys do things"
            description="Press ? to see which. Turn this off when you dictate or use other tools that type."
            checked={shortcuts}
            onChange={(event) => setShortcuts(event.currentTarget.checked)}
          />
        </div>
      </Panel>
      <HealthPanel />
    </>
  );
}
