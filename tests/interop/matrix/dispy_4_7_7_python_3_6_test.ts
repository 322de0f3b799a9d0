import { matrix } from "../harness/matrix_scenarios.ts";

await matrix({ dispy: "4.7.7", python: "3.6" });
