import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;

/** As raw_sockets.py, by java.net: a thread for each connection, blocked in a read or write without a time limit. */
final class BlockingSockets {
  private static List<Socket> open(String role, String host, int port, int count) throws IOException {
    List<Socket> sockets = new ArrayList<>();
    if (role.equals("connect")) {
      for (int i = 0; i < count; ++i) {
        Socket socket = new Socket();
        socket.connect(new InetSocketAddress(host, port));
        sockets.add(socket);
      }
      System.out.println("listening");
      return sockets;
    }
    try (ServerSocket server = new ServerSocket(port, 4096, InetAddress.getByName(host))) {
      System.out.println("listening");
      for (int i = 0; i < count; ++i) sockets.add(server.accept());
    }
    return sockets;
  }

  private static String run(Socket socket, boolean writes) {
    String name = "end";
    String text = "";
    try {
      byte[] block = new byte[1 << 20];
      if (writes) {
        while (true) socket.getOutputStream().write(block);
      }
      socket.getInputStream().read(block);
    } catch (IOException e) {
      text = e.toString();
      // Its own words for ECONNABORTED, which has no exception of its own.
      name = text.contains("connection abort") ? "ECONNABORTED" : "other";
    }
    return "{\"outcome\": \"" + name + "\", \"at_ns\": " + System.nanoTime() + ", \"text\": \"" + text + "\"}";
  }

  public static void main(String[] args) throws Exception {
    List<Socket> sockets = open(args[0], args[1], Integer.parseInt(args[2]), Integer.parseInt(args[3]));
    boolean writes = args[4].equals("write");
    BlockingQueue<String> results = new LinkedBlockingQueue<>();
    for (Socket socket : sockets) new Thread(() -> results.add(run(socket, writes))).start();
    System.out.println("ready");
    List<String> all = new ArrayList<>();
    for (int i = 0; i < sockets.size(); ++i) all.add(results.take());
    System.out.println("[" + String.join(", ", all) + "]");
  }
}
