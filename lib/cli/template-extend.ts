/** `medlsam template add`, `merge` and `convert`: template files made of template files. */
import type { Command } from "commander";
import type { Kernels, Templates } from "../index.js";
import {
  type AnnotatedFlags,
  addAnnotated,
  addMaking,
  describeFile,
  kernelsOption,
  makeOfAnnotated,
} from "./annotated.js";
import { quietOption } from "./options.js";
import { checkWritable } from "./output.js";
import { createProgress } from "./progress.js";
import type { Api, Session } from "./session.js";

interface AddFlags extends AnnotatedFlags {
  moreSupports?: boolean;
  output?: string;
}

interface MergeFlags {
  kernels?: Kernels;
  output: string;
  quiet?: boolean;
}

const output = ["-o, --output <file>", "the template file to write (.safetensors)"] as const;

export function addTemplateExtending(template: Command, session: Session): void {
  const adding = template
    .command("add")
    .description("add organs of more annotated scans to a template file, or supports to its organs")
    .argument("<file>", "the template file");
  addAnnotated(adding).option(
    "--more-supports",
    "the scans are more supports of the file's own organs, instead of supports of new ones",
  );
  addMaking(adding)
    .option("-o, --output <file>", "the template file to write (default: the file itself)")
    .action((file: string, inputs: string[], flags: AddFlags) => add(file, inputs, flags, session));
  template
    .command("merge")
    .description("make one template file of several of the same network")
    .argument("<file...>", "two or more template files")
    .addOption(kernelsOption())
    .requiredOption(...output)
    .addOption(quietOption())
    .action((files: string[], flags: MergeFlags) =>
      rewrite(files, flags, session, (all, api) =>
        api.mergeTemplates(all, { signal: session.signal }),
      ),
    );
  template
    .command("convert")
    .description("write a template file with its features in another type")
    .argument("<file>", "the template file")
    .addOption(kernelsOption().makeOptionMandatory())
    .requiredOption(...output)
    .addOption(quietOption())
    .action((file: string, flags: MergeFlags) =>
      rewrite([file], flags, session, async ([templates]) => templates as Templates),
    );
}

async function add(file: string, inputs: string[], flags: AddFlags, session: Session) {
  const { moreSupports, output = file } = flags;
  await makeOfAnnotated(inputs, flags, output, session, async (options, api) => {
    const templates = await api.Templates.open(file, { signal: session.signal });
    return api.addToTemplates(templates, { ...options, moreSupports });
  });
}

async function rewrite(
  files: string[],
  { kernels, output, quiet = false }: MergeFlags,
  session: Session,
  make: (all: Templates[], api: Api) => Promise<Templates>,
): Promise<void> {
  const { signal } = session;
  const progress = createProgress(quiet, signal);
  const api = await session.api();
  checkWritable(output, files);
  const all: Templates[] = [];
  for (const file of files) all.push(await api.Templates.open(file, { signal }));
  const made = await make(all, api);
  await made.save(output, { kernels, signal });
  progress.say(describeFile(output, made));
}
