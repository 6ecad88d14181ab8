import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { sessionQuery } from "@/lib/session";
import { DevicePanel } from "@/features/device/DevicePanel";
import { Page } from "@/ui/Page";

const route = getRouteApi("/frame/device");

/** Where a program that has no browser sends its person. */
export function DevicePage() {
  const { code = "" } = route.useSearch();
  const session = useQuery(sessionQuery).data;
  return (
    <Page title="Sign a program in" lead="For command lines and other programs without a browser of their own." width="narrow">
      {session != null && <DevicePanel code={code} person={session.person.email} company={session.tenant.name} />}
    </Page>
  );
}
