import { useQuery } from "@tanstack/react-query";
import { Check } from "lucide-react";
import { Skeleton, VisuallyHidden } from "@/ui/kit";
import { Panel } from "@/ui/Panel";
import { ProblemNote } from "@/ui/ProblemNote";
import { permissionsQuery } from "@/lib/permissions";
import classes from "./Team.module.css";

const words: Record<string, string> = {
  "company read": "See the company",
  "company manage": "Rename the company",
  "company export": "Export what is kept about it",
  "company close": "Close it, make owners",
  "members read": "See the members",
  "members manage": "Invite, remove, change roles",
  "billing read": "See the plan",
  "billing manage": "Change the plan, pay",
  "data read": "See data",
  "data write": "Change data",
  "decisions read": "See decisions",
  "decisions run": "Make decisions",
  "moves read": "See moves",
  "moves manage": "Look after moves",
  "keys read": "See API keys",
  "keys manage": "Make and revoke API keys",
  "audit read": "See the audit log",
  "audit export": "Export the audit log",
};

/** What each role may do, from the table the product itself goes by. */
export function RolesPanel({ role }: { role: string }) {
  const table = useQuery(permissionsQuery);
  if (table.isPending) return <Skeleton height={320} radius="md" />;
  if (table.isError && table.data === undefined) {
    return <ProblemNote error={table.error} title="The roles could not be read." onRetry={() => void table.refetch()} retrying={table.isFetching} />;
  }
  const { permissions, roles } = table.data;
  return (
    <Panel title="Roles" note="What each may do. Nobody can give a role that may do more than their own." flush>
      <dl className={classes.roles}>
        {roles.map((one) => (
          <div key={one.role} style={{ display: "contents" }}>
            <dt>{one.name}</dt>
            <dd>{one.summary}</dd>
          </div>
        ))}
      </dl>
      {/* A table that scrolls sideways has to be reachable with the keyboard. */}
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <div className={classes.scroll} role="region" aria-label="Permissions by role" tabIndex={0}>
        <table className={classes.matrix}>
          <thead>
            <tr>
              <th scope="col">May</th>
              {roles.map((one) => (
                <th key={one.role} scope="col" data-you={one.role === role || undefined}>
                  {one.name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {permissions.map(({ resource, action, roles: allowed }) => (
              <tr key={`${resource} ${action}`}>
                <th scope="row">{words[`${resource} ${action}`] ?? `${resource}: ${action}`}</th>
                {roles.map((one) => (
                  <td key={one.role} data-you={one.role === role || undefined}>
                    {allowed.includes(one.role) ? (
                      <>
                        <Check size={15} className={classes.yes} aria-hidden />
                        <VisuallyHidden>yes</VisuallyHidden>
                      </>
                    ) : (
                      <>
                        <span className={classes.no} aria-hidden>
                          –
                        </span>
                        <VisuallyHidden>no</VisuallyHidden>
                      </>
                    )}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Panel>
  );
}
