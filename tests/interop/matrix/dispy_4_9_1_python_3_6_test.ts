import { matrix } from "../harness/matrix_scenarios.ts";

await matrix({ dispy: "4.9.1", python: "3.6" });
