/** Which form a value of the format gets, from its JSON Schema as GET /api/systems gives it. */

export type Form = 'number' | 'whole' | 'flag' | 'choice' | 'distribution' | 'ids' | 'groups' | 'text' | 'json';
export interface Schema {
  type?: string;
  enum?: string[];
  minimum?: number;
  maximum?: number;
  anyOf?: Schema[];
  items?: Schema;
  $ref?: string;
  'x-unit'?: string;
  pattern?: string;
  properties?: Record<string, Schema>;
}

export function formOf(schema: Schema): Form {
  if (schema.enum) return 'choice';
  if (schema.$ref?.endsWith('/distribution')) return 'distribution';
  if (schema.type === 'integer') return 'whole';
  if (schema.type === 'number') return 'number';
  if (schema.type === 'boolean') return 'flag';
  if (schema.anyOf?.some((one) => one.type === 'string') && schema.anyOf.some((one) => one.items?.type === 'string')) return 'ids';
  if (schema.type === 'array' && schema.items?.anyOf) return 'groups';
  if (schema.type === 'string') return 'text';
  return 'json';
}
