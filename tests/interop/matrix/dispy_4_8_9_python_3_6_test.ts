import { matrix } from "../harness/matrix_scenarios.ts";

await matrix({ dispy: "4.8.9", python: "3.6" });
