import { MutationCache, QueryCache, QueryClient } from "@tanstack/react-query";
import { isSignedOut } from "@/lib/api/client";
import { Problem } from "@/lib/api/problem";
import { sessionQuery } from "@/lib/session";

/** Builds the cache of server data. `onSignedOut` runs when the product says nobody is signed in any more. */
export function buildQueryClient(onSignedOut: () => void): QueryClient {
  const notice = (error: unknown) => {
    if (!isSignedOut(error) || client.getQueryData(sessionQuery.queryKey) == null) return;
    client.setQueryData(sessionQuery.queryKey, null);
    onSignedOut();
  };
  const client = new QueryClient({
    queryCache: new QueryCache({ onError: notice }),
    mutationCache: new MutationCache({ onError: notice }),
    defaultOptions: {
      queries: {
        // Only what may succeed unchanged is asked again, and only twice.
        retry: (failures, error) => error instanceof Problem && error.retryable && failures < 2,
        retryDelay: (attempt) => 300 * 2 ** attempt,
        staleTime: 5_000,
        refetchOnWindowFocus: true,
      },
      // What is pressed is sent now or not at all: nothing waits for a connection.
      mutations: { retry: false, networkMode: "always" },
    },
  });
  return client;
}
