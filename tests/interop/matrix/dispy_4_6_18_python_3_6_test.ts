import { matrix } from "../harness/matrix_scenarios.ts";

await matrix({ dispy: "4.6.18", python: "3.6" });
