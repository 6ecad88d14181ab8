import { useQueryClient } from "@tanstack/react-query";
import { useRouter } from "@tanstack/react-router";
import { LogOut } from "lucide-react";
import { useAction } from "@/lib/api/useAction";
import { Button } from "@/ui/kit";
import { sessionQuery, signOut } from "@/lib/session";

/** Ends the session, forgets everything the page has read, and goes to the sign-in page. */
export function SignOutButton({ variant = "subtle" }: { variant?: "subtle" | "default" }) {
  const queryClient = useQueryClient();
  const router = useRouter();
  const leave = useAction({
    mutationFn: signOut,
    onSuccess: async () => {
      queryClient.clear();
      queryClient.setQueryData(sessionQuery.queryKey, null);
      await router.navigate({ to: "/signin" });
    },
  });
  return (
    <Button
      variant={variant}
      color="gray"
      size="xs"
      leftSection={<LogOut size={15} aria-hidden />}
      loading={leave.isPending}
      onClick={() => leave.mutate()}
    >
      {leave.isError ? "Sign out again" : "Sign out"}
    </Button>
  );
}
