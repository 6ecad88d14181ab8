// First, so that our styles come after the component library's and win.
import { UiProvider } from "@/ui/UiProvider";
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { buildQueryClient } from "@/app/queryClient";
import { buildRouter } from "@/app/router";

const queryClient = buildQueryClient(() => void router.invalidate());
const router = buildRouter(queryClient);

const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no element #root");

createRoot(root).render(
  <StrictMode>
    <UiProvider>
      <QueryClientProvider client={queryClient}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </UiProvider>
  </StrictMode>,
);
