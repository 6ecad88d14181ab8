import { KeysPanel } from "@/features/keys/KeysPanel";
import { ProgramsPanel } from "@/features/keys/ProgramsPanel";

/** What may ask in people's names besides their browsers. */
export function KeysSettings() {
  return (
    <>
      <KeysPanel />
      <ProgramsPanel />
    </>
  );
}
