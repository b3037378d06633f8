export default {
  title: '打开轨迹文件',
  lead: '从运行下载的轨迹，或由 simulate --trace 写出的轨迹，可在此以只读方式播放。文件不会离开您的浏览器。',
  choose: '选择文件',
  not_a_trace: '这不是轨迹文件：第 {line} 行不是数据块。',
  experiment: '实验文件请用编辑器打开：',
  link: '打开轨迹文件',
  shown: '来自文件的轨迹，只读。',
};
