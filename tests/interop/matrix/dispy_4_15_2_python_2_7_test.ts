import { matrix } from "../harness/matrix_scenarios.ts";

await matrix({ dispy: "4.15.2", python: "2.7" });
