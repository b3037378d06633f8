export default {
  title: '把此视图导出为动图（GIF）',
  from: '从（秒）',
  to: '到（秒）',
  speed: '速度（倍）',
  rate: '每秒帧数',
  width: '宽度（像素）',
  make: '生成并下载',
  making: '生成进度',
  cancel: '取消',
  wrong: '终点须晚于起点，且不超过已播放到的 {seconds} 秒。',
};
