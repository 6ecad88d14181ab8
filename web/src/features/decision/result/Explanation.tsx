import { stretches } from "../origin";
import type { Result } from "../result";
import { useSpot } from "./spot";
import classes from "./Explanation.module.css";

const topics: Record<string, string> = {
  cost: "Cost",
  service: "Service",
  budget: "Budget",
  storage: "Storage",
  risk: "Risk",
  data: "Data",
  proof: "Proof",
};

// A topic this page does not know yet still starts like the others.
function topicTitle(topic: string): string {
  return topics[topic] ?? topic.charAt(0).toUpperCase() + topic.slice(1);
}

/** The result in words. Every number is a button that shows where it comes from. */
export function Explanation({ result }: { result: Result }) {
  const { go } = useSpot();
  const { summary, sentences } = result.explanation;
  return (
    <div className={classes.words}>
      {summary !== "" && sentences.length === 0 && <p className={classes.summary}>{summary}</p>}
      {sentences.length > 0 && (
        <dl className={classes.sentences}>
          {sentences.map((sentence, index) => (
            <div key={index} className={classes.sentence}>
              <dt>{sentences[index - 1]?.topic === sentence.topic ? "" : topicTitle(sentence.topic)}</dt>
              <dd>
                {stretches(sentence).map((stretch, at) => {
                  const { fact } = stretch;
                  return fact === null ? (
                    <span key={at}>{stretch.text}</span>
                  ) : (
                    <button
                      key={at}
                      type="button"
                      className={classes.number}
                      title="Show where this number comes from"
                      onClick={() => go(fact.path)}
                    >
                      {stretch.text}
                    </button>
                  );
                })}
              </dd>
            </div>
          ))}
        </dl>
      )}
    </div>
  );
}
