/** `medlsam train`: networks of one's own. */
import type { Command } from "commander";
import type { Session } from "./session.js";
import { addTrainMedLam } from "./train-medlam.js";
import { addTrainSam } from "./train-sam.js";

export function addTrain(program: Command, session: Session): void {
  const command = program
    .command("train")
    .description("train a network (needs the torch plugin: npm run build:torch)");
  addTrainMedLam(command, session);
  addTrainSam(command, session);
}
