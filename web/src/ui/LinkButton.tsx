import { Anchor, Button, type AnchorProps, type ButtonProps } from "@mantine/core";
import { createLink } from "@tanstack/react-router";
import type { AnchorHTMLAttributes, Ref } from "react";

type Rest<P> = Omit<AnchorHTMLAttributes<HTMLAnchorElement>, keyof P> & { ref?: Ref<HTMLAnchorElement> };

function ButtonAnchor(props: ButtonProps & Rest<ButtonProps>) {
  return <Button component="a" {...props} />;
}

function PlainAnchor(props: AnchorProps & Rest<AnchorProps>) {
  return <Anchor {...props} />;
}

/** A link that looks like a button: it has an address, so it opens in a new tab too. */
export const LinkButton = createLink(ButtonAnchor);

/** A link in a text or a list. */
export const TextLink = createLink(PlainAnchor);
