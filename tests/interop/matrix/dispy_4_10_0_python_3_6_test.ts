import { matrix } from "../harness/matrix_scenarios.ts";

await matrix({ dispy: "4.10.0", python: "3.6" });
