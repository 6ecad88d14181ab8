import type { Shortcut } from "@/lib/keys";
import { Kbd, Modal } from "@/ui/kit";
import { TextLink } from "@/ui/LinkButton";
import classes from "./KeysDialog.module.css";

interface KeysDialogProps {
  opened: boolean;
  onClose: () => void;
  shortcuts: Shortcut[];
  singleKeysOn: boolean;
}

/** All keys on one page. */
export function KeysDialog({ opened, onClose, shortcuts, singleKeysOn }: KeysDialogProps) {
  return (
    <Modal opened={opened} onClose={onClose} title="Keys" size="sm" closeButtonProps={{ "aria-label": "Close" }}>
      <dl className={classes.keys}>
        <div>
          <dt>Search and go anywhere</dt>
          <dd>
            <Kbd>Ctrl</Kbd> <Kbd>K</Kbd>
          </dd>
        </div>
        {shortcuts.map((shortcut) => (
          <div key={shortcut.keys}>
            <dt>{shortcut.title}</dt>
            <dd>
              {shortcut.keys.split(" ").map((key) => (
                <Kbd key={key}>{key}</Kbd>
              ))}
            </dd>
          </div>
        ))}
      </dl>
      <p className={classes.note}>
        Single keys are {singleKeysOn ? "on" : "off"}. Change that in{" "}
        <TextLink to="/settings" onClick={onClose} inherit underline="always">
          the settings
        </TextLink>
        .
      </p>
    </Modal>
  );
}
