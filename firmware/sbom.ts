// What is in an image, as SPDX 2.3: Debian's packages by dpkg's own list, those that were only unpacked, npm's by the lock file.
import { createHash } from 'node:crypto';

export type Part = { readonly name: string; readonly version: string; readonly locator: string };

/** Of dpkg's status file (deb822): installed packages. */
export function debianParts(status: string): Part[] {
  return status
    .split('\n\n')
    .map((paragraph) =>
      Object.fromEntries([...paragraph.matchAll(/^([A-Za-z-]+): (.*)$/gm)].map(([, k, v]) => [k, v])),
    )
    .filter((p) => p.Status === 'install ok installed')
    .map((p) => debian(p.Package, p.Version, p.Architecture));
}

/** Of lines "name version architecture". */
export function unpackedParts(versions: string): Part[] {
  return versions
    .split('\n')
    .filter(Boolean)
    .map((line) => line.split(' '))
    .map(([name, version, architecture]) => debian(name, version, architecture));
}

function debian(name: string, version: string, architecture: string): Part {
  return {
    name,
    version,
    locator: `pkg:deb/debian/${name}@${encodeURIComponent(version)}?arch=${architecture}`,
  };
}

type Lock = {
  readonly packages: Readonly<
    Record<string, { readonly version?: string; readonly dev?: boolean; readonly cpu?: readonly string[] }>
  >;
};

/** Of package-lock.json: what is installed without development's. */
export function npmParts(lock: string, cpu: string): Part[] {
  return Object.entries((JSON.parse(lock) as Lock).packages)
    .filter(([path, p]) => path !== '' && !p.dev && p.version !== undefined && (p.cpu?.includes(cpu) ?? true))
    .map(([path, { version = '' }]) => {
      const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
      return { name, version, locator: `pkg:npm/${name.replace(/^@/, '%40')}@${version}` };
    });
}

/** `epoch`: seconds. The same text for the same parts. */
export function spdx(image: string, version: string, epoch: number, parts: readonly Part[]): string {
  const all = [...new Map(parts.map((p) => [p.locator, p])).values()].sort((a, b) =>
    a.locator < b.locator ? -1 : 1,
  );
  const id = (part: Part) =>
    `SPDXRef-${createHash('sha256').update(part.locator).digest('hex').slice(0, 16)}`;
  const namespace = createHash('sha256')
    .update(JSON.stringify([image, version, all]))
    .digest('hex');
  const document = {
    spdxVersion: 'SPDX-2.3',
    dataLicense: 'CC0-1.0',
    SPDXID: 'SPDXRef-DOCUMENT',
    name: image,
    documentNamespace: `urn:sekisho:sbom:${namespace}`,
    creationInfo: {
      created: new Date(epoch * 1000).toISOString().replace('.000', ''),
      creators: ['Tool: sekisho-firmware'],
    },
    packages: [
      {
        SPDXID: 'SPDXRef-image',
        name: image,
        versionInfo: version,
        downloadLocation: 'NOASSERTION',
        filesAnalyzed: false,
      },
      ...all.map((part) => ({
        SPDXID: id(part),
        name: part.name,
        versionInfo: part.version,
        downloadLocation: 'NOASSERTION',
        filesAnalyzed: false,
        externalRefs: [
          { referenceCategory: 'PACKAGE-MANAGER', referenceType: 'purl', referenceLocator: part.locator },
        ],
      })),
    ],
    relationships: [
      {
        spdxElementId: 'SPDXRef-DOCUMENT',
        relationshipType: 'DESCRIBES',
        relatedSpdxElement: 'SPDXRef-image',
      },
      ...all.map((part) => ({
        spdxElementId: 'SPDXRef-image',
        relationshipType: 'CONTAINS',
        relatedSpdxElement: id(part),
      })),
    ],
  };
  return `${JSON.stringify(document, undefined, 1)}\n`;
}
