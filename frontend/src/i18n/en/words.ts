export default {
  region: 'The cluster in words',
  nodes: 'Nodes',
  log: 'log to {last}, committed to {committed}',
  votes: 'votes from {nodes}',
  hash: 'state {hash}',
  slow: 'slow',
  flight: 'Messages under way: {count}.',
  side_decides: '{nodes}: {voters} of {all}, decide.',
  side_cannot: '{nodes}: {voters} of {all}, cannot decide.',
  cut: 'The link from {from} to {to} is cut.',
  held: 'The link from {from} to {to} holds messages back.',
  links_of: 'Links of {node}',
};
