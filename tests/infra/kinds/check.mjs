// Validates objects of KEDA and of the Prometheus operator against the schemas of their resource definitions. Reads a JSON list
// of {name, object} from standard input, and prints a line for each object that is not valid.
import { readFileSync } from "node:fs";
import * as keda from "@kubernetes-models/keda/keda.sh/v1alpha1";
import * as prometheus from "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1";

const GROUPS = { "keda.sh/v1alpha1": keda, "monitoring.coreos.com/v1": prometheus };

let faults = 0;
for (const { name, object } of JSON.parse(readFileSync(0, "utf8"))) {
  const Kind = GROUPS[object.apiVersion]?.[object.kind];
  try {
    if (!Kind) throw new Error(`unknown kind ${object.apiVersion} ${object.kind}`);
    new Kind(object).validate();
  } catch (error) {
    faults += 1;
    console.log(`${name}: ${error.message}`);
  }
}
process.exit(faults === 0 ? 0 : 1);
