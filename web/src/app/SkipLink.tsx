import classes from "./SkipLink.module.css";

/** The first stop of the tab key: past the navigation. */
export function SkipLink() {
  return (
    <a href="#content" className={classes.skip}>
      Skip to the content
    </a>
  );
}
