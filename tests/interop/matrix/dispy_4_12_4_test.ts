import { matrix } from "../harness/matrix_scenarios.ts";

await matrix({ dispy: "4.12.4" });
